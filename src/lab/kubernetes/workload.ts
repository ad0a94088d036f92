import { databaseImage, webImage } from "./workload-image.ts";

/** The port of every node that the page is served on. */
export const pagePort = 30_000;

/**
 * The objects of the show's workload: a page that tells its version and shows a row of the database beside it. To get
 * v2 out is to change the image's tag: `kubectl set image deployment/web web=web:v2`.
 */
export const workload = `apiVersion: v1
kind: Secret
metadata: {name: postgres}
stringData: {password: postgres}
---
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec:
  selector: {app: postgres}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  serviceName: postgres
  replicas: 1
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      securityContext: {fsGroup: 999}
      containers:
      - name: postgres
        image: ${databaseImage}
        imagePullPolicy: Never
        ports: [{containerPort: 5432}]
        env:
        - name: POSTGRES_PASSWORD
          valueFrom: {secretKeyRef: {name: postgres, key: password}}
        readinessProbe: {tcpSocket: {port: 5432}, periodSeconds: 2}
        volumeMounts: [{name: data, mountPath: /var/lib/postgresql}]
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: ${pagePort}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: ${webImage("v1")}
        imagePullPolicy: Never
        ports: [{containerPort: 8080}]
        env:
        - {name: PGHOST, value: postgres}
        - {name: PGUSER, value: postgres}
        - {name: PGDATABASE, value: postgres}
        - name: PGPASSWORD
          valueFrom: {secretKeyRef: {name: postgres, key: password}}
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 2}
`;
